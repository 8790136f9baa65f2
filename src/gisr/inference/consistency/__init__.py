"""Results that agree with their target: back-projection, and k-space samples put back."""
