import importlib
import importlib.util
import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from sweeper.cli import VERBS
from sweeper.cost.prices import INSTANCE_LABEL, MARKET_LABEL, load_prices

jsonschema = pytest.importorskip("jsonschema")
CLUSTER = Path(__file__).parents[3] / "cluster"
FILES = ["aws.yaml", "on-prem.yaml"]


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((CLUSTER / name).read_text())


def schema() -> dict[str, Any]:
    """The schema that Ray ships, found without importing Ray."""
    specification = importlib.util.find_spec("ray")
    assert specification is not None
    assert specification.origin is not None
    return json.loads((Path(specification.origin).parent / "autoscaler" / "ray-schema.json").read_text())


def test_every_launcher_file_is_tested_here() -> None:
    assert sorted(path.name for path in CLUSTER.glob("*.yaml")) == sorted([*FILES, "prices.yaml"])


@pytest.mark.parametrize("name", FILES)
def test_ray_accepts_the_launcher_file(name: str) -> None:
    jsonschema.validate(read(name), schema())


@pytest.mark.parametrize("name", FILES)
def test_every_node_demands_the_token_and_keeps_it_private(name: str) -> None:
    cluster = read(name)
    for commands in (cluster["head_start_ray_commands"], cluster["worker_start_ray_commands"]):
        start = next(command for command in commands if "ray start" in command)
        assert "RAY_AUTH_MODE=token" in start
        assert "umask 077" in start
    assert cluster["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "chmod 600 ~/.ray/auth_token" in cluster["setup_commands"]


@pytest.mark.parametrize("name", FILES)
def test_the_dashboard_listens_on_the_head_only(name: str) -> None:
    text = (CLUSTER / name).read_text()
    assert "--dashboard-host=127.0.0.1" in text
    assert "host=0.0.0.0" not in text


@pytest.mark.parametrize("name", FILES)
def test_nodes_install_what_the_lock_says(name: str) -> None:
    assert any("--require-hashes" in command for command in read(name)["setup_commands"])


def test_on_aws_workers_mount_the_heads_folder_before_ray_starts() -> None:
    cluster = read("aws.yaml")
    assert any("exportfs" in command for command in cluster["head_setup_commands"])
    start = cluster["worker_start_ray_commands"]
    mount = next(place for place, command in enumerate(start) if "mount -t nfs4" in command)
    assert mount < next(place for place, command in enumerate(start) if "ray start" in command)


def test_on_aws_no_port_is_open_to_the_outside() -> None:
    cluster = read("aws.yaml")
    assert cluster["provider"]["use_internal_ips"] is True
    assert "security_group" not in cluster["provider"]
    assert "start-session" in cluster["auth"]["ssh_proxy_command"]
    for node in cluster["available_node_types"].values():
        # without it Ray makes a group of its own, which admits ssh from anywhere
        assert node["node_config"]["SecurityGroupIds"]
        assert node["node_config"]["MetadataOptions"]["HttpTokens"] == "required"


def test_on_aws_the_head_is_on_demand_and_runs_no_trial_while_workers_are_spot() -> None:
    cluster = read("aws.yaml")
    nodes = cluster["available_node_types"]
    head = nodes.pop(cluster["head_node_type"])
    assert head["resources"] == {"CPU": 0}
    assert "InstanceMarketOptions" not in head["node_config"]
    assert nodes
    for worker in nodes.values():
        assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
        assert worker["labels"][MARKET_LABEL] == "spot"
        assert worker["resources"]["GPU"] >= 1
    assert cluster["provider"]["cache_stopped_nodes"] is False


def test_the_price_of_every_aws_worker_is_known() -> None:
    cluster = read("aws.yaml")
    for name, node in cluster["available_node_types"].items():
        if name != cluster["head_node_type"]:
            assert node["labels"][INSTANCE_LABEL] == node["node_config"]["InstanceType"]
            assert load_prices().of_node(node["labels"]) is not None


@pytest.mark.parametrize("name", FILES)
def test_the_commands_in_a_files_head_work_as_they_are(name: str) -> None:
    """`ray exec` begins in the home folder, the checkout lies in ~/sweeper, and nobody says yes there."""
    text = (CLUSTER / name).read_text()
    head = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#   ray")]
    mounted = next(place for place, source in read(name)["file_mounts"].items() if source == ".")
    commands = [line for line in head if " exec " in line]
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[2] == f"cluster/{name}"
        inside = shlex.split(words[-1])
        assert inside[:3] == ["cd", mounted, "&&"]
        assert (CLUSTER.parent / inside[5]).is_file()
        launch = importlib.import_module(VERBS[inside[4]][0]).command
        launch.make_parser(click.Context(launch)).parse_args(inside[5:])  # raises for an option that is none
        assert "-y" in inside
        assert "--tmux" in words, "a launch ends with the connection otherwise"
    assert all(line.endswith(" -y") for line in head if line.startswith(("ray up", "ray down")))
    page = (CLUSTER.parent / "docs" / "cluster.md").read_text()
    assert name != "aws.yaml" or all(line in page for line in head)
