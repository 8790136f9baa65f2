"""What a task is: records, sensors, descriptions and text encoders."""
