"""The only room that knows Spark: sessions and stages."""
