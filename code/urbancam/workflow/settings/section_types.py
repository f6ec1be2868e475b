"""What sections of the settings are made of: their base, and types of values that several hold."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
# The name of a class, or a raw code, which YAML reads as a number.
ClassName = Annotated[
    str, Field(coerce_numbers_to_str=True), WithJsonSchema({"type": ["string", "integer"]})
]
ClassSet = Annotated[list[Annotated[int, Field(ge=0, le=4)]], Field(min_length=1)]


def _public_address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "@" in value:
        raise ValueError(
            "an address begins with http:// or https:// "
            "and holds no user and password (use ~/.netrc)"
        )
    return value


Address = Annotated[str, AfterValidator(_public_address)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class UndeclaredSettingError(LookupError):
    """The work of a step read a setting that the step did not declare; its record would lie."""


class Section(BaseModel):
    """A section of the settings, whole, or restricted to the settings that a step declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise UndeclaredSettingError(
                f"the step does not declare the setting {name!r} of section {type(self).__name__}"
            )
        return super().__getattr__(name)


def lies_in(name: str, key: str) -> bool:
    """Whether a setting is the one of that key, or lies in the section of that key."""
    return name == key or name.startswith(f"{key}.")


def restrict(section: Section, names: set[str], prefix: str = "") -> Any:
    """A section without the settings that are not named.

    Args:
        section: The section.
        names: Full names of single settings.
        prefix: What stands before the names of the section's own settings.
    """
    values = {}
    for field in type(section).model_fields:
        value, name = getattr(section, field), prefix + field
        if isinstance(value, Section) and any(lies_in(declared, name) for declared in names):
            values[field] = restrict(value, names, f"{name}.")
        elif name in names:
            values[field] = value
    return type(section).model_construct(**values)
