"""A BFF as the teacher service will be: FastAPI, Dishka, both clients, the platform's error envelope."""
