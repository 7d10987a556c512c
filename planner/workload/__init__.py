"""What must be computed: architectures as numbers, their operators, their FLOPs. Knows no hardware."""
