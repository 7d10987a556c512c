"""Hugging Face configurations (`config.json`) to shapes of models.

A reader per family honours every field that changes a shape; a family or a value that is not understood is
refused. Meanings and defaults are those of transformers 5.23.0.
"""

from planner.workload.huggingface.importing import Imported, families, read_configuration

__all__ = ["Imported", "families", "read_configuration"]
