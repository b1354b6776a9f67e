"""In which order the device works, so that sending hides behind computing."""
