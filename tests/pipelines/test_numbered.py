from pathlib import Path

from gisr.pipelines.numbered import guides_by_number


def paired(targets: list[str], guides: list[str]) -> dict[str, str]:
    found = guides_by_number([Path(name) for name in targets], [Path(name) for name in guides])
    return {target.name: guide.name for target, guide in found.items()}


def test_numbers_pair_where_they_are_all_that_tells() -> None:
    assert paired(["depth_0001.png", "depth_0002.png"], ["rgb_2.jpg", "rgb_1.jpg"]) == {
        "depth_0001.png": "rgb_1.jpg",
        "depth_0002.png": "rgb_2.jpg",
    }
    assert paired(["frame-000007.depth.png"], ["frame-000007.color.jpg"]) == {
        "frame-000007.depth.png": "frame-000007.color.jpg"
    }
    assert paired(["000001_depth.png", "000002_depth.png"], ["frame-000002.color.jpg"]) == {
        "000002_depth.png": "frame-000002.color.jpg"
    }


def test_numbers_do_not_pair_what_has_other_names_too() -> None:
    assert paired(["a_1.png", "b_1.png"], ["c_1.png"]) == {}
    assert paired(["depth_1.png"], ["rgb_1.png", "rgb_1_right.png"]) == {}
    assert paired(["depth.png"], ["rgb.png"]) == {}
    assert paired(["depth_1.png", "depth_01.png"], ["rgb_1.png"]) == {}
    assert paired(["depth_3.png"], ["rgb_4.png"]) == {}
