"""One seed for every random test, printed with any failure and taken with ``--seed``."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=20241008, help="seed of every random test")
    parser.addoption("--waves", action="store_true", help="record waveforms in cocotb runs")


def pytest_report_header(config):
    return f"seed: {config.getoption('--seed')} (repeat or change with --seed N)"


def pytest_runtest_makereport(item, call):
    if call.excinfo is not None:
        item.add_report_section(call.when, "seed", f"--seed {item.config.getoption('--seed')}")


@pytest.fixture(scope="session")
def seed(request):
    return request.config.getoption("--seed")


@pytest.fixture(scope="session")
def waves(request):
    return request.config.getoption("--waves")


@pytest.fixture(scope="session")
def sim_folder(request):
    """Where simulations are built: kept from run to run and shared by the workers, which `lmul.sim.runner` sees to."""
    return request.config.rootpath / "build" / "tests"


@pytest.fixture(scope="session")
def minilm():
    """The transformer of `lmul.models`; without its extra, a skip that says how to install it."""
    from lmul.models.minilm import MiniLM

    try:
        return MiniLM()
    except ValueError as error:
        pytest.skip(str(error))
