"""The demo city: rendered, peopled by a known rule, and shipped as the providers would.

`city.make_city` does it all: `site`, `landuse` and `plan` lay the town out; `town` fills it with the things
of `grounds`, `gardens`, `pitches`, `buildings`, `traffic` and `trees` (`frontage`, `drawing` and
`materials` help); `render` and `tiles` turn it into pixels; `income` and `households` people it; `package`
wraps it up.
"""
