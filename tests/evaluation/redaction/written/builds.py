"""Build servers, code hosting, package registries."""

from __future__ import annotations

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    LOWER,
    Family,
    chars,
    encoded,
    one_of,
    password,
    token,
)
from tests.evaluation.redaction.kept_out.forms import HEX, URL_SAFE, behind

BUILDS: tuple[Family, ...] = (
    Family(
        "jenkins secret",
        encoded(48),
        (
            "<password>{AQAAABAAAAAQ{secret}}</password>",
            "<apiToken>{AQAAABAAAAAw{secret}}</apiToken>",
            "<privateKey>{AQAAABAAAAYw{secret}}</privateKey>",
        ),
    ),
    Family(
        "jenkins token",
        token("11", HEX, 32),
        (
            "java -jar jenkins-cli.jar -s https://{host}/ -auth {user}:{secret} list-jobs",
            "wget --auth-no-challenge --user={user} --http-password={secret} https://{host}/job/a/build",
            "Jenkins-Crumb: {secret}",
            "java -jar agent.jar -url https://{host}/ -secret {secret} -name n1",
        ),
    ),
    Family(
        "circleci token",
        chars(HEX, 40),
        ("Circle-Token: {secret}", "https://circleci.com/api/v1.1/me?circle-token={secret}"),
    ),
    Family(
        "buildkite token",
        chars(HEX, 40),
        behind("bkua_", "BUILDKITE_API={secret}", "buildkite-agent start --token {secret}", "registered as {secret}"),
    ),
    Family(
        "drone secret",
        chars(HEX, 32),
        (
            "DRONE_RPC_SECRET={secret}",
            "      - DRONE_GITEA_CLIENT_SECRET={secret}",
            "WOODPECKER_AGENT_SECRET: {secret}",
        ),
    ),
    Family(
        "build variable",
        password,
        (
            "##vso[task.setvariable variable=SignPwd;issecret=true]{secret}",
            '    <parameter name="env.SIGN_PWD" value="{secret}" />',
            "teamcity.server.authToken.password={secret}",
        ),
    ),
)
HOSTING: tuple[Family, ...] = (
    Family(
        "bitbucket app password",
        token("ATBB", ALNUM, 32),
        (
            "BITBUCKET_APP={secret}",
            "remote set-url origin https://{user}:{secret}@bitbucket.org/team/app.git",
            "used {secret}",
        ),
    ),
    Family(
        "gitea token",
        chars(HEX, 40),
        (
            "Authorization: token {secret}",
            "INTERNAL_TOKEN = {secret}",
            "LFS_JWT_SECRET = {secret}",
            "GITEA_TOKEN={secret}",
        ),
    ),
    Family(
        "azure devops token",
        chars(LOWER + "234567", 52),
        (
            "AZURE_DEVOPS_EXT_PAT={secret}",
            "git clone https://{secret}@dev.azure.com/org/app/_git/app",
            "./config.sh --unattended --url https://dev.azure.com/org --auth pat --token {secret}",
            '{"endpointCredentials": [{"endpoint":"https://{host}/v3/index.json", "password":"{secret}"}]}',
        ),
    ),
    Family(
        "atlassian token",
        lambda r: f"{''.join(r.choices(URL_SAFE, k=180))}={r.getrandbits(32):08X}",
        behind(
            "ATATT3xFfGF0", "JIRA_API={secret}", "curl -u {user}@{host}:{secret} https://org.atlassian.net/rest/api/3"
        ),
    ),
    Family(
        "linear and notion keys",
        one_of(token("lin_api_", ALNUM, 40), token("ntn_", ALNUM, 46)),
        ("LINEAR_KEY={secret}", "Authorization: {secret}", "sync failed for {secret}: 401"),
    ),
)
REGISTRIES: tuple[Family, ...] = (
    Family(
        "rubygems key",
        chars(HEX, 48),
        behind("rubygems_", "---\n:rubygems_api_key: {secret}", "GEM_HOST_API_KEY={secret}", "Pushing gem as {secret}"),
    ),
    Family(
        "crates token",
        token("cio", ALNUM, 32),
        ('[registry]\ntoken = "{secret}"', "cargo login {secret}", "cargo publish {secret}"),
    ),
    Family(
        "nuget key",
        token("oy2", LOWER + DIGITS, 43),
        (
            "dotnet nuget push a.nupkg -k {secret} -s https://api.nuget.org/v3/index.json",
            '<add key="ClearTextPassword" value="{secret}" />',
            "X-NuGet-ApiKey: {secret}",
        ),
    ),
    Family(
        "artifactory key",
        token("AKCp", ALNUM, 69),
        (
            "X-JFrog-Art-Api: {secret}",
            "<server><id>central</id><username>{user}</username><password>{secret}</password></server>",
            "artifactory_password={secret}",
            "pip: looking in indexes: https://{user}:{secret}@{host}/api/pypi/simple",
        ),
    ),
    Family(
        "composer login",
        password,
        (
            '{"http-basic": {"{host}": {"username": "{user}", "password": "{secret}"}}}',
            "composer config http-basic.{host} {user} {secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*BUILDS, *HOSTING, *REGISTRIES)
