import sys

from urbancam.workflow import arguments, gpus, runner


def test_visible_gpus_are_those_the_environment_names(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert gpus.visible() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpus.visible() == []


def test_machine_without_a_driver_has_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.visible() == []


def write_gpu(folder, name: str, status: int = 0) -> list[str]:
    said = f"open({str(folder / name)!r}, 'w').write(os.environ['CUDA_VISIBLE_DEVICES'])"
    return [sys.executable, "-c", f"import os, sys; {said}; sys.exit({status})"]


def test_each_command_gets_one_gpu_and_all_are_run(tmp_path):
    commands = [write_gpu(tmp_path, f"fold_{k}") for k in range(5)]
    assert gpus.run_side_by_side(commands, ["0", "1"]) == 0
    used = [(tmp_path / f"fold_{k}").read_text() for k in range(5)]
    assert set(used) == {"0", "1"}


def test_failure_is_told_after_the_others_are_done(tmp_path):
    commands = [write_gpu(tmp_path, "bad", status=2), write_gpu(tmp_path, "good")]
    assert gpus.run_side_by_side(commands, ["0"]) == 2
    assert (tmp_path / "good").exists()


def test_folds_go_side_by_side_where_there_are_several_gpus(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(gpus, "visible", lambda: ["0", "1"])
    monkeypatch.setattr(
        gpus, "run_side_by_side", lambda commands, devices: calls.append((commands, devices)) or 0
    )
    script, folders = "code/23_train_cities.py", ["--data", tmp_path, "--results", tmp_path]
    words = ["--run", "demo", "--variant", "split-acquisition", "--workers", "8", "--force"]
    args = arguments.parser(script, "doc").parse_args([*words, *map(str, folders)])

    def declare(request):
        paths = request.paths
        return [
            request.step(1, paths.test_predictions(fold), ["seed"], fold=fold)
            for fold in request.folds(request.settings.cities.folds_split)
        ]

    assert runner.run(args, declare, None, ["--unpickle"]) == 0
    ((commands, devices),) = calls
    own = f"--run demo --variant split-acquisition --data {tmp_path} --results {tmp_path}"
    expected = f"{script} {own} --device auto --unpickle --force --workers 4 --fold"
    assert devices == ["0", "1"]
    assert [command[1:] for command in commands] == [
        [*expected.split(), str(fold)] for fold in range(2)
    ]
