"""The hooks that call AWS."""
