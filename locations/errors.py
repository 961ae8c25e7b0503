"""What can go wrong with locations."""

from ocpplab.common.errors import Invalid, NotFound, Problem


class LocationNotFound(NotFound):
    """The id is unknown, or another organization's."""

    code = "location_not_found"

    def __init__(self) -> None:
        super().__init__("There is no location with this id: GET /ocpp/locations lists yours.")


class SlugInUse(Invalid):
    """Another location of the organization has this slug."""

    code = "slug_in_use"

    def __init__(self, slug: str) -> None:
        super().__init__(
            Problem(("slug",), f"Another of your locations has the slug {slug!r}: choose another one.", "slug_in_use")
        )
