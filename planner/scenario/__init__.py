"""What is wanted: training runs, services, places with limits, and compositions of them."""
