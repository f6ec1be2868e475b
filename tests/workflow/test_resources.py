"""How much of a machine the tasks of a city ask for, and what all of it comes to."""

import csv
from dataclasses import replace

from city_requests import request_of
from urbancam.workflow import catalogue
from urbancam.workflow.cluster import engine, tasks
from urbancam.workflow.planning import rates, resources
from urbancam.workflow.records.steps import record_path
from urbancam.workflow.settings import settings


def test_a_cache_that_would_be_too_large_is_not_waited_for():
    train = catalogue.find("11_train_income")
    kept, not_kept = (
        resources.of_cache(train, settings.load("default", [f"cache_gb={limit}"]), 50_000, 1000)
        for limit in (150, 1)
    )
    assert kept.disk_mb > 1000 * not_kept.disk_mb == 0
    assert kept.runtime > not_kept.runtime == resources.LEAST_MINUTES


def test_what_is_tried_again_asks_for_more_but_no_more_than_the_cluster_gives():
    asked = [resources.on_attempt(8_000, attempt, 12_000) for attempt in (1, 2, 3)]
    assert asked == [8_000, 12_000, 12_000]
    assert resources.on_attempt(8_000, 3, None) == 24_000


def test_a_larger_city_asks_for_more_and_a_gpu_for_less_time():
    run = settings.load("default")
    train = catalogue.find("11_train_income")
    small, large = (resources.of_step(train, run, cells, 1000, False) for cells in (1_000, 50_000))
    on_gpu = resources.of_step(train, run, 50_000, 1000, True)
    assert large.runtime > 20 * small.runtime
    assert large.mem_mb > small.mem_mb
    assert (on_gpu.gpu, small.gpu) == (1, 0)
    assert on_gpu.runtime < large.runtime
    assert (
        resources.of_step(catalogue.find("04_download_aerial"), run, 10, 1000, True).downloads == 1
    )


def test_a_training_on_cores_asks_for_the_memory_that_its_batch_takes():
    run = settings.load("default")
    train, train_cities = map(catalogue.find, ("11_train_income", "23_train_cities"))
    for entry, section in ((train, run), (train_cities, run.cities)):
        on_cores, on_gpu = (resources.of_step(entry, run, 10, 1000, gpu) for gpu in (False, True))
        assert on_cores.mem_mb >= rates.training_mb(section.training, section.image)
        assert on_cores.mem_mb >= on_gpu.mem_mb
    of_small = settings.load("default", ["training.batch_size=2"])
    assert resources.of_step(train, of_small, 10, 1000, False).mem_mb >= resources.NETWORK_MB


def test_a_city_left_out_is_in_the_bill_and_asks_for_what_all_others_take(tmp_path):
    words = ["--set", "compare.splits=[city]"]
    paris, lyon, cities = (
        request_of(name, "demo-tiny", tmp_path, *words) for name in ("Paris", "Lyon", "cities")
    )

    def bill(request, listed):
        """Resources by script, of the run itself and of the city left out."""
        billed = engine.bill(request, listed, with_gpu=False)
        return [
            {task.script[:2]: task.resources for task in billed if task.variant == variant}
            for variant in ("", "split-city")
        ]

    _, alone = bill(paris, [paris, cities])
    _, of_paris = bill(paris, [paris, lyon])
    own, of_lyon = bill(lyon, [paris, lyon])
    assert alone == {}
    assert of_paris.keys() == {"10", "11", "12"}
    assert of_paris == of_lyon  # both look at the cells of both
    assert of_lyon["10"].mem_mb > own["10"].mem_mb


def test_a_city_left_out_whose_others_are_at_hand_asks_for_what_they_take(tmp_path):
    words = ["--set", "compare.splits=[city]"]
    request = request_of("Lyon", "demo-tiny", tmp_path, *words)
    for city in ("Lyon", "Paris"):
        samples = replace(request.paths, city=city).samples
        samples.parent.mkdir(parents=True)
        samples.touch()
    listed = engine.ask(request, with_gpu=False)
    asked = {task.variant: task.resources for task in listed if task.script.startswith("11")}
    assert asked["split-city"].mem_mb > asked[""].mem_mb
    # It is at hand, so nothing is still to come.
    assert engine.bill(request, [request], with_gpu=False) == listed


def test_a_city_that_never_comes_does_not_make_what_is_done_anew(tmp_path, monkeypatch):
    words = ["--set", "compare.splits=[city]"]
    paris, lyon, nowhere = (
        request_of(name, "demo-tiny", tmp_path, *words) for name in ("Paris", "Lyon", "Nowhere")
    )
    for city in (paris, lyon):
        city.paths.samples.parent.mkdir(parents=True)
        city.paths.samples.touch()
    requests = [paris, lyon, nowhere]
    to_come = engine.bill(paris, requests, with_gpu=False)
    scripts = {task.script[:2] for task in engine.to_do(to_come) if task.variant == "split-city"}
    assert scripts == {"10", "11", "12"}
    finished = [replace(task, state="done") for task in tasks.list_tasks(paris)]
    monkeypatch.setattr(tasks, "list_tasks", lambda request: finished)
    assert engine.to_do(engine.bill(paris, requests, with_gpu=False)) == []


def test_patches_are_counted_by_their_step_else_from_the_sizes_of_the_images(tmp_path):
    request = request_of("cities", "demo-tiny", tmp_path)
    usual = resources.count_cells(request.paths, request.settings)
    request.paths.sites.parent.mkdir(parents=True)
    request.paths.sites.write_text("image,width_px,height_px\na,64,64\nb,96,40\n")
    assert resources.count_cells(request.paths, request.settings) == 4 + 3 != usual
    record = record_path(request.paths.patches)
    record.write_text('{"counts": {"patches": 5}}')
    assert resources.count_cells(request.paths, request.settings) == 5


def test_what_fetches_has_hours_for_a_slow_server_which_are_not_in_the_bill():
    run = settings.load("default")
    for script in ("01_download_census", "04_download_aerial", "21_import_sites"):
        asked = resources.of_step(catalogue.find(script), run, 5_000, 1000, False)
        assert asked.runtime >= 8 * 60
        assert asked.mem_mb >= 4_000  # the census took 2,600
        assert " 0 core hours" in resources.in_words([asked])


def test_large_amounts_are_told_in_terabytes():
    asked = resources.Resources(1, 0, 60, 1_605_400, 0, 0)
    assert "1,605.4 GB" not in resources.in_words([asked])
    assert "1.6 TB" in resources.in_words([asked])
    assert "0.9 GB" in resources.in_words([replace(asked, disk_mb=900)])


def test_all_functional_urban_areas_are_listed_with_their_cells():
    counts = resources.listed_cells()
    with resources.COUNTS.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(counts) == 38
    assert counts["Paris"] == max(counts.values())
