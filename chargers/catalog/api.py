"""Catalog routes (contract 4.2): read-only, for any token, the same for all organizations."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chargers.catalog import selectors
from chargers.catalog.models import Brand, ChargerModel
from chargers.choices import ConnectorType, CurrentType
from ocpplab.api.authentication import IsCaller
from ocpplab.api.pagination import PageQuery, page_serializer, paged
from ocpplab.api.views import query
from ocpplab.common.errors import NotFound


class BrandResponse(serializers.Serializer[Any]):
    """A maker of chargers."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    image_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class ModelResponse(serializers.Serializer[Any]):
    """A product that the simulator can imitate."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    brand_slug = serializers.CharField()
    brand_id = serializers.UUIDField()
    image_url = serializers.CharField(allow_null=True)
    connector_count = serializers.IntegerField()
    current_type = serializers.ChoiceField(CurrentType.choices)
    supported_kwh = serializers.ListField(
        child=serializers.FloatField(), help_text="Power ratings in kW, whatever the name says."
    )
    connector_types = serializers.ListField(child=serializers.ChoiceField(ConnectorType.choices))
    created_at = serializers.DateTimeField()


def brand_body(brand: Brand) -> dict[str, Any]:
    """Return a brand as the contract has it."""
    return {
        "id": str(brand.id),
        "slug": brand.slug,
        "name": brand.name,
        "image_url": brand.image_url,
        "created_at": brand.created_at,
    }


def model_body(model: ChargerModel) -> dict[str, Any]:
    """Return a model as the contract has it."""
    return {
        "id": str(model.id),
        "slug": model.slug,
        "name": model.name,
        "brand_slug": model.brand.slug,
        "brand_id": str(model.brand_id),
        "image_url": model.image_url,
        "connector_count": model.connector_count,
        "current_type": model.current_type,
        "supported_kwh": model.power_ratings_kw,
        "connector_types": model.connector_types,
        "created_at": model.created_at,
    }


class BrandsView(APIView):
    """`GET /ocpp/catalog/brands`."""

    permission_classes = [IsCaller]

    @extend_schema(
        operation_id="catalog_list_brands",
        tags=["catalog"],
        parameters=[PageQuery],
        responses=page_serializer(BrandResponse, "BrandListResponse"),
    )
    def get(self, request: Request) -> Response:
        """List the brands."""
        return paged(selectors.brands(), brand_body, **query(PageQuery, request))


class ModelsView(APIView):
    """`GET /ocpp/catalog/brands/{brand_slug}/models`."""

    permission_classes = [IsCaller]

    @extend_schema(
        operation_id="catalog_list_models",
        tags=["catalog"],
        parameters=[PageQuery],
        responses=page_serializer(ModelResponse, "ModelListResponse"),
    )
    def get(self, request: Request, brand_slug: str) -> Response:
        """List the models of a brand."""
        page = query(PageQuery, request)
        brand = selectors.brand_find(brand_slug)
        if brand is None:
            raise NotFound(f"There is no brand {brand_slug!r}: GET /ocpp/catalog/brands lists them.")
        return paged(selectors.models_of(brand), model_body, **page)


class ModelView(APIView):
    """`GET /ocpp/catalog/brands/{brand_slug}/models/{model_slug}`."""

    permission_classes = [IsCaller]

    @extend_schema(operation_id="catalog_get_model", tags=["catalog"], responses=ModelResponse)
    def get(self, request: Request, brand_slug: str, model_slug: str) -> Response:
        """Return one model of a brand."""
        model = selectors.model_find(brand_slug, model_slug)
        if model is None:
            raise NotFound(
                f"The brand {brand_slug!r} has no model {model_slug!r}: GET /ocpp/catalog/brands/{brand_slug}/models "
                "lists its models."
            )
        return Response(model_body(model))
