"""The paper's ablation tables and analysis figures, on any data and at any budget."""
