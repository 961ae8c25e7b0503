"""How dates look to people; named by FORMAT_MODULE_PATH."""
