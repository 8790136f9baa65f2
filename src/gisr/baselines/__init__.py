"""Every system gisr is compared with, behind the call of its own upscaler."""
