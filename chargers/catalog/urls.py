"""Addresses of the catalog, below `ocpp/catalog/`."""

from django.urls import path

from chargers.catalog.api import BrandsView, ModelsView, ModelView

urlpatterns = [
    path("brands", BrandsView.as_view()),
    path("brands/<str:brand_slug>/models", ModelsView.as_view()),
    path("brands/<str:brand_slug>/models/<str:model_slug>", ModelView.as_view()),
]
