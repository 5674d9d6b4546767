"""What Stack Exchange is: its questions, and the forms in which it hands them out."""
