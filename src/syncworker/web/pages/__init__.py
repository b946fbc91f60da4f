"""What do people see in a browser? One module a page: it reads the request, calls one function, and renders."""
