"""Reading the catalog."""

from django.db.models import QuerySet

from chargers.catalog.models import Brand, ChargerModel


def brands() -> QuerySet[Brand]:
    """Return all brands, by slug."""
    return Brand.objects.order_by("slug")


def brand_find(slug: str) -> Brand | None:
    """Return the brand with this slug."""
    return Brand.objects.filter(slug=slug).first()


def models_of(brand: Brand) -> QuerySet[ChargerModel]:
    """Return the models of a brand, by slug, without their layouts."""
    return ChargerModel.objects.filter(brand=brand).select_related("brand").defer("evses").order_by("slug")


def model_find(brand_slug: str, model_slug: str) -> ChargerModel | None:
    """Return the model with this slug, if it is of that brand."""
    return ChargerModel.objects.filter(brand__slug=brand_slug, slug=model_slug).select_related("brand").first()
