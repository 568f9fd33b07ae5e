"""The subcommands of ``synclog``, one module each; ``output`` writes rows for all of them, ``progress`` bars."""
