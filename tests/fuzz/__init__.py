"""Whatever comes from outside is thrown at what reads it, over and over; ``python -m tests.fuzz`` takes its time."""
