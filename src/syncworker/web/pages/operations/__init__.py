"""What does an operator see and do? One module for each tab of the page."""
