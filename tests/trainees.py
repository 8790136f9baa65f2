"""What tests make of a recipe before its first step."""

from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.tasks.text.table import DescriptionTable, built_in_table
from gisr.training.recipe import Recipe
from gisr.training.run import Run
from gisr.weights.store import Weights


def new_upscaler(plan: Recipe) -> Upscaler:
    """Return a new MAG-Net of a recipe, which changes nothing, behind the call of a system."""
    return Upscaler(Weights(plan.name, MAGNet(plan.network).eval(), built_in_table()), "cpu")


def table_of(run: Run) -> DescriptionTable:
    """Return the embeddings of a run of MAG-Net."""
    assert run.trainee.table is not None
    return run.trainee.table
