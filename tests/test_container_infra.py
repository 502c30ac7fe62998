"""What is deployed agrees with image and program: ports, probes, secrets, identities, origins, commands."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pycep import BicepParser

from core.settings import Settings
from dashboard.cli import cli

CHECKOUT = Path(__file__).resolve().parents[1]
INFRA = CHECKOUT / "infra"
TEMPLATES = sorted(INFRA.rglob("*.bicep"))
ROLES = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
}


def _bicep(name: str) -> dict[str, Any]:
    return BicepParser().parse(file_path=INFRA / name)


def _resource(template: dict[str, Any], kind: str) -> dict[str, Any]:
    found = [each["config"] for each in template["resources"].values() if each["type"] == kind]
    assert len(found) == 1, kind
    return found[0]


def _dockerfile(instruction: str) -> list[str]:
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{instruction} ")]


def _environment_of_image() -> dict[str, str]:
    return dict(
        pair.split("=", 1) for line in _dockerfile("ENV") for pair in shlex.split(line) if "=" in pair
    )


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    """The template of the Container App."""
    return _bicep("modules/dashboard.bicep")


@pytest.fixture(scope="module")
def app(dashboard: dict[str, Any]) -> dict[str, Any]:
    """The Container App in it."""
    return _resource(dashboard, "Microsoft.App/containerApps")


def _settings(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every environment variable that a template may set, by name."""
    found: dict[str, dict[str, Any]] = {}

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if "name" in value and ({"value", "secretRef"} & set(value)) and isinstance(value["name"], str):
                found.setdefault(value["name"], {}).update(value)
            for item in value.values():
                walk(item)

    walk({name: each["value"] for name, each in template["variables"].items() if name.endswith("Settings")})
    return found


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_every_template_is_bicep(file: Path) -> None:
    parsed = BicepParser().parse(file_path=file)
    assert parsed["resources"] or parsed["modules"]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_secret_is_never_written_in_a_template(file: Path) -> None:
    """Secure parameters have no value of their own but the empty one, and are never an output."""
    parsed = BicepParser().parse(file_path=file)
    secure = {
        name
        for name, each in parsed["parameters"].items()
        if any(mark["type"] == "secure" for mark in each["decorators"])
    }
    assert not [name for name in secure if parsed["parameters"][name]["default"]]
    named = {name for name in parsed["parameters"] if re.search(r"secret|password|databaseUrl$", name, re.I)}
    if file.name in ("main.bicep", "vault.bicep"):
        assert {"secretKey", "databaseUrl", "oauthClientSecret"} <= secure
        assert named <= secure
    for output in parsed.get("outputs", {}).values():
        assert not any(name in json.dumps(output) for name in secure)


def test_the_port_is_the_same_everywhere(dashboard: dict[str, Any], app: dict[str, Any]) -> None:
    (port,) = {int(line) for line in _dockerfile("EXPOSE")}
    assert _environment_of_image()["SALES_PORT"] == str(port) == str(Settings().port)
    assert dashboard["variables"]["port"]["value"] == port
    assert app["properties"]["configuration"]["ingress"]["targetPort"] == "port"
    assert "port" in str(_settings(dashboard)["SALES_PORT"]["value"])
    probes = app["properties"]["template"]["containers"][0]["probes"]
    assert {probe["httpGet"]["port"] for probe in probes} == {"port"}
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["dashboard"]["ports"][0].endswith(f":{port}")


def test_probes_ask_for_addresses_that_the_server_has(app: dict[str, Any]) -> None:
    probes = {
        probe["type"]: probe["httpGet"]["path"]
        for probe in app["properties"]["template"]["containers"][0]["probes"]
    }
    assert probes == {"Startup": "/healthz", "Liveness": "/healthz", "Readiness": "/readyz"}
    assert '"/readyz"' in (CHECKOUT / "dashboard" / "application.py").read_text(encoding="utf-8")
    assert '"/healthz"' in (CHECKOUT / "dashboard" / "server.py").read_text(encoding="utf-8")
    for probe in app["properties"]["template"]["containers"][0]["probes"]:
        assert 1 <= probe["failureThreshold"] <= 10  # the bounds of the service


def test_a_person_stays_on_one_replica_of_one_revision(app: dict[str, Any]) -> None:
    configuration = app["properties"]["configuration"]
    assert configuration["activeRevisionsMode"] == "Single"
    assert configuration["ingress"]["stickySessions"]["affinity"] == "sticky"
    assert configuration["ingress"]["allowInsecure"] is False


def test_replicas_follow_the_number_of_open_pages(app: dict[str, Any]) -> None:
    scale = app["properties"]["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == ("minReplicas", "maxReplicas")
    assert "sessionsPerReplica" in str(scale["rules"][0]["http"]["metadata"]["concurrentRequests"])


def test_with_the_demo_there_is_one_replica_and_no_job() -> None:
    """The demo is an SQLite file inside one container."""
    modules = _bicep("main.bicep")["modules"]
    replicas = modules["dashboard"]["config"]["params"]["maxReplicas"]["operator"]
    assert replicas["operands"] == {"condition": "usesDemo", "true_value": 1, "false_value": "maxReplicas"}
    assert "usesDemo" in str(modules["retrain"]["config"]["condition"])


@pytest.mark.parametrize("name", ["modules/dashboard.bicep", "modules/retrain.bicep"])
def test_containers_have_an_identity_and_no_password(name: str) -> None:
    template = _bicep(name)
    kind = "Microsoft.App/containerApps" if "dashboard" in name else "Microsoft.App/jobs"
    resource = _resource(template, kind)
    assert resource["identity"]["type"] == "UserAssigned"
    configuration = resource["properties"]["configuration"]
    assert configuration["registries"] == [{"server": "registryServer", "identity": "identityId"}]
    assert _settings(template)["AZURE_CLIENT_ID"]["value"] == "identityClientId"
    text = (INFRA / name).read_text(encoding="utf-8")
    secrets = re.findall(r"\{ name: '([\w-]+)', keyVaultUrl: '([^']+)', identity: identityId \}", text)
    assert secrets
    assert all(url.startswith("${vaultUri}secrets/sales-") for _, url in secrets)
    kept = re.findall(r"name: '(sales-[\w-]+)'", (INFRA / "modules/vault.bicep").read_text(encoding="utf-8"))
    assert {url.rpartition("/")[2] for _, url in secrets} <= set(kept)
    referred = {each["secretRef"] for each in _settings(template).values() if "secretRef" in each}
    assert referred <= {name for name, _ in secrets}
    assert not re.search(r"passwordSecretRef|keyVaultUrl.*\n.*value:", text)


def test_what_is_secret_is_only_referred_to(dashboard: dict[str, Any]) -> None:
    settings = _settings(dashboard)
    for name in ("SALES_SECRET_KEY", "SALES_OAUTH_CLIENT_SECRET"):
        assert "value" not in settings[name]
        assert settings[name]["secretRef"]


@pytest.mark.parametrize("name", ["modules/dashboard.bicep", "modules/retrain.bicep"])
def test_every_setting_exists(name: str) -> None:
    known = {f"SALES_{each.upper()}" for each in Settings.param.objects("existing")}
    used = {each for each in _settings(_bicep(name)) if each.startswith("SALES_")}
    assert {"SALES_DATABASE_URL", "SALES_DATA_DIR"} <= used
    assert used <= known


def test_every_setting_of_image_and_compose_exists() -> None:
    known = {f"SALES_{each.upper()}" for each in Settings.param.objects("existing")}
    known |= {f"{each}_FILE" for each in known}
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    used = {each for each in _environment_of_image() if each.startswith("SALES_")}
    for service in ("dashboard", "train"):
        used |= set(compose["services"][service]["environment"])
    assert used <= known


def test_sessions_are_opened_from_the_public_address_only(dashboard: dict[str, Any]) -> None:
    """From the name of the app and the domain of its environment, not the address of one revision."""
    assert dashboard["variables"]["host"]["value"] == "${name}.${defaultDomain}"
    assert "host" in str(_settings(dashboard)["SALES_ALLOWED_ORIGINS"]["value"])
    assert _settings(dashboard)["SALES_PUBLIC_URL"]["value"] == "https://${publicHost}"
    assert "defaultDomain" in str(_bicep("modules/environment.bicep")["outputs"]["defaultDomain"])


def test_roles_are_the_least_that_work() -> None:
    used: dict[str, set[str]] = {}
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        for role in re.findall(r"roleDefinitions', '([0-9a-f-]{36})'", text):
            used.setdefault(file.name, set()).add(ROLES[role])
        if "roleAssignments@" in text:  # never for a whole group or subscription
            parsed = BicepParser().parse(file_path=file)
            scopes = {
                str(each["config"].get("scope") or each["config"].get("config", {}).get("scope"))
                for each in parsed["resources"].values()
                if each["type"] == "Microsoft.Authorization/roleAssignments"
            }
            assert scopes <= {"registry", "vault", "databaseSecret", "lake"}
            assert text.count("  scope: ") >= text.count("roleAssignments@")
    assert used == {
        "registry.bicep": {"AcrPull"},
        "vault.bicep": {"Key Vault Secrets User"},
        "synapse.bicep": {"Storage Blob Data Contributor"},
    }


def test_the_database_knows_no_passwords() -> None:
    server = _resource(_bicep("modules/sql.bicep"), "Microsoft.Sql/servers")
    assert server["properties"]["administrators"]["azureADOnlyAuthentication"] is True
    assert "administratorLoginPassword" not in (INFRA / "modules/sql.bicep").read_text(encoding="utf-8")
    database = _resource(_bicep("modules/sql.bicep"), "Microsoft.Sql/servers/databases")
    assert database["sku"]["name"].startswith("GP_S_")  # serverless
    registry = _resource(_bicep("modules/registry.bicep"), "Microsoft.ContainerRegistry/registries")
    assert registry["properties"]["adminUserEnabled"] is False


def test_what_matters_is_logged() -> None:
    for name in ("registry", "vault", "sql", "synapse", "environment"):
        logs = _resource(_bicep(f"modules/{name}.bicep"), "Microsoft.Insights/diagnosticSettings")
        assert logs["properties"]["workspaceId"] == "workspaceId", name


def _commands(script: str) -> list[list[str]]:
    """The calls of the command line in a line for the shell."""
    calls = re.split(r"&&|\|\||;", script)
    return [shlex.split(call)[1:] for call in calls if call.strip().startswith("sales-dashboard ")]


def _parsed(arguments: list[str]) -> str:
    """The name of a command whose arguments are accepted; click raises for others."""
    name, *rest = arguments
    command = cli.commands[name]
    command.make_context(name, list(rest), parent=click.Context(cli))
    return name


def test_the_job_calls_commands_that_exist() -> None:
    template = _bicep("modules/retrain.bicep")
    script = template["variables"]["command"]["value"]
    assert [_parsed(call) for call in _commands(script)] == ["train", "score"]
    configuration = _resource(template, "Microsoft.App/jobs")["properties"]["configuration"]
    assert configuration["triggerType"] == "Schedule"
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    assert [_parsed(call) for call in _commands(compose["services"]["train"]["command"][0])] == [
        "train",
        "score",
    ]


def test_the_job_is_failed_if_either_command_fails(tmp_path: Path) -> None:
    """The line for the shell, with a stand-in for the command that fails at what it is told to."""
    import subprocess

    script = _bicep("modules/retrain.bicep")["variables"]["command"]["value"]
    stand_in = tmp_path / "sales-dashboard"
    stand_in.write_text('#!/bin/sh\necho "$1"\n[ "$1" != "$FAILS" ]\n', encoding="utf-8")
    stand_in.chmod(0o755)
    for fails, status in (("", 0), ("train", 1), ("score", 1)):
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "FAILS": fails},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["train", "score"]
        assert done.returncode == status


def test_parameters_are_those_of_the_template() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    template = _bicep("main.bicep")["parameters"]
    assert set(given) <= set(template)
    required = {name for name, each in template.items() if each["default"] is None}
    assert required <= set(given)
    for module in _bicep("main.bicep")["modules"].values():
        file = module["detail"]["path"]
        config = module["config"].get("config", module["config"])
        wanted = _bicep(file)["parameters"]
        assert set(config["params"]) <= set(wanted), file
        assert {name for name, each in wanted.items() if each["default"] is None} <= set(config["params"])


def test_azd_finds_the_dashboard() -> None:
    azd = yaml.safe_load((CHECKOUT / "azure.yaml").read_text(encoding="utf-8"))
    service = azd["services"]["dashboard"]
    assert service["host"] == "containerapp"
    assert (CHECKOUT / service["docker"]["path"]).is_file()
    main = (INFRA / "main.bicep").read_text(encoding="utf-8")
    assert "'azd-service-name': 'dashboard'" in main
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (CHECKOUT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert service["docker"]["target"] == "dashboard" == stages[-1]
    outputs = set(_bicep("main.bicep")["outputs"])
    assert {"AZURE_CONTAINER_REGISTRY_ENDPOINT", "AZURE_KEY_VAULT_NAME", "SALES_DASHBOARD_URL"} <= outputs
    hook = azd["hooks"]["postdeploy"]["posix"]["run"]
    assert set(re.findall(r"\$(SALES_\w+|AZURE_\w+)", hook)) <= outputs


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert _dockerfile("USER")[-1] == "10001:10001"
    environment = _environment_of_image()
    assert environment["HOME"] == "/tmp"
    assert environment["SALES_DATA_DIR"] == "/data"
    assert "SALES_ALLOW_ANONYMOUS" not in environment  # whoever runs it has to ask for that
    assert json.loads(_dockerfile("ENTRYPOINT")[-1]) == ["tini", "-e", "143", "--", "sales-dashboard"]
    assert _parsed(json.loads(_dockerfile("CMD")[-1])) == "serve"


def test_the_image_of_spark_differs_in_its_environment_only() -> None:
    """Both images are of one stage, which says how they run; the dashboard is what a plain build makes."""
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stages = re.split(r"^FROM ", text, flags=re.M)[1:]
    assert stages[-1].startswith("common AS dashboard\n")
    spark, dashboard = (
        next(stage for stage in stages if stage.startswith(f"common AS {name}\n"))
        for name in ("spark", "dashboard")
    )
    of_spark = re.findall(r"^[A-Z]+ .*", spark, re.M)
    assert of_spark == [
        line.replace("--from=build ", "--from=build-spark ")
        for line in re.findall(r"^[A-Z]+ .*", dashboard, re.M)
    ]
    made = next(stage for stage in stages if stage.startswith("tools AS build-spark\n"))
    installs = re.findall(r"pip install [^&]*|pip wheel [^&]*|python install [^&]*", made)
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert "requirements-spark.lock" in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8")


def test_compose_gives_the_dashboard_as_little_as_possible() -> None:
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["dashboard"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["ports"][0].startswith("127.0.0.1:")
    for name, each in compose["services"].items():
        for variable, value in each["environment"].items():
            if re.search("PASSWORD|SECRET|KEY", variable):
                assert variable.endswith("_FILE"), name
                assert str(value).endswith("/run/secrets/database_password}") or value.startswith(
                    "/run/secrets/"
                )
    profiles = {name: each.get("profiles") for name, each in compose["services"].items()}
    assert profiles["dashboard"] is None
    assert profiles["postgres"] == ["postgres"]
    assert profiles["sqlserver"] == ["sqlserver"]


WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))


def _steps(file: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job.get("steps", [])]


def test_the_workflow_calls_make_targets_that_exist() -> None:
    known = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.M))
    ci = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    called = set(ci["jobs"]["test"]["strategy"]["matrix"]["target"])
    assert any("make ${{ matrix.target }}" in step.get("run", "") for step in _steps(WORKFLOWS[0]))
    assert {"lint", "test", "models", "pages", "engines", "serving"} <= called <= known


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_have_few_rights_and_fixed_actions(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for step in _steps(file):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+(\.\d+){0,2}", step["uses"])
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or "uses" in job


def test_the_deployment_signs_in_without_a_password() -> None:
    deploy = yaml.safe_load((CHECKOUT / ".github/workflows/deploy.yml").read_text(encoding="utf-8"))
    assert deploy["jobs"]["deploy"]["permissions"]["id-token"] == "write"
    assert "ci" in deploy["jobs"]["deploy"]["needs"]
    assert not re.search(r"AZURE_CREDENTIALS|client-secret", json.dumps(deploy))


def test_tools_of_the_build_are_those_of_the_tests() -> None:
    """The wheel in the image is built with the packages, versions and hashes that the tests use."""
    locks = [
        (CHECKOUT / name).read_text(encoding="utf-8")
        for name in ("requirements-dev.lock", "requirements.lock")
    ]
    entries = re.findall(
        r"^\S+==.*\\\n(?:    --hash=.*\n)+",
        (CHECKOUT / "requirements-build.lock").read_text(encoding="utf-8"),
        re.M,
    )
    assert any(entry.startswith("hatchling==") for entry in entries)
    for entry in entries:
        assert any(entry in lock for lock in locks), entry.splitlines()[0]
