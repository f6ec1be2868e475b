"""The demo city: rendered, peopled by a known rule, and shipped as the providers would.

`city.make_city` does it all. `site`, `landuse` and `plan` lay the town out; `drawing`, `materials`,
`frontage`, the modules of things (`buildings`, `gardens`, `grounds`, `pitches`, `traffic`, `trees`) and `town` fill it;
`render` and `tiles` turn it into pixels; `income` and `households` people it; `package` wraps it up.
"""
