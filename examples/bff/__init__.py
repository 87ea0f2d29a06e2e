"""A sample BFF like the teacher service: FastAPI, Dishka, both clients, the platform's error envelope."""
