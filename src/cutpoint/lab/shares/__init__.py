"""Where a split beats both ends, how the values and the input travel being part of the question."""
