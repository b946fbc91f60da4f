"""Which of HubSpot's own routes are answered, and how?"""
