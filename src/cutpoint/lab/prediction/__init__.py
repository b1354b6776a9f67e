"""How far what is predicted of an inference is from what it takes, part by part."""
