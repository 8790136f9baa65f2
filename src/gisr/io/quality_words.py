"""What quality bands of products flag, in gisr's words; no product flags all."""

QUALITY_WORDS = ("cloud", "dilated", "shadow", "cirrus", "snow", "water", "saturated")
