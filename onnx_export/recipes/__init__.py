"""One module per stage: ``stage(checkpoint)`` gives the ``Stage`` that a checkpoint becomes."""
