"""Databases, queues and other stores."""

from __future__ import annotations

from base64 import b64encode

from tests.evaluation.redaction.family import (
    ALNUM,
    UPPER,
    Family,
    chars,
    one_of,
    password,
)
from tests.evaluation.redaction.kept_out.forms import (
    HEX,
    HEXES,
    URL_SAFE,
    base64_of,
    url_password,
)

SALT = ALNUM + "!@#$%^&*()-_[]{}<>~`+=,.;:/?|"

DATABASES: tuple[Family, ...] = (
    Family(
        "pgpass",
        one_of(chars(ALNUM, 18), password),
        ("{host}:5432:app:{user}:{secret}", "*:*:*:{user}:{secret}", "localhost:5432:replication:{user}:{secret}"),
    ),
    Family(
        "my.cnf",
        password,
        (
            "[client]\nuser={user}\npassword={secret}",
            "[mysqldump]\nuser = {user}\npassword = '{secret}'",
            "mysqladmin -u{user} -p{secret} ping",
        ),
    ),
    Family(
        "sql statement password",
        password,
        (
            "CREATE USER '{user}'@'%' IDENTIFIED BY '{secret}';",
            "ALTER ROLE {user} WITH LOGIN PASSWORD '{secret}';",
            "LOG:  statement: CREATE USER {user} PASSWORD '{secret}'",
            "CHANGE MASTER TO MASTER_HOST='{host}', MASTER_USER='{user}', MASTER_PASSWORD='{secret}'",
            "ALTER LOGIN {user} WITH PASSWORD = N'{secret}';",
            "GRANT ALL ON app.* TO '{user}'@'10.%' IDENTIFIED BY '{secret}'",
        ),
    ),
    Family(
        "database password hash",
        one_of(chars(HEXES, 40)),
        (
            "CREATE USER '{user}'@'%' IDENTIFIED BY PASSWORD '*{secret}'",
            "| {user} | % | *{secret} |",
            "IDENTIFIED WITH 'mysql_native_password' AS '*{secret}'",
        ),
    ),
    Family(
        "postgres verifier",
        lambda r: (
            f"{b64encode(r.randbytes(16)).decode()}${b64encode(r.randbytes(32)).decode()}:{b64encode(r.randbytes(32)).decode()}"
        ),
        ('"{user}" "SCRAM-SHA-256$4096:{secret}"', "ALTER ROLE {user} PASSWORD 'SCRAM-SHA-256$4096:{secret}';"),
    ),
    Family(
        "pgbouncer md5",
        chars(HEX, 32),
        ('"{user}" "md5{secret}"', "CREATE ROLE {user} ENCRYPTED PASSWORD 'md5{secret}';"),
    ),
    Family(
        "mongodb",
        url_password,
        (
            "mongodb://{user}:{secret}@a.{host}:27017,b.{host}:27017/app?replicaSet=rs0&authSource=admin",
            "MONGO_URL=mongodb+srv://{user}:{secret}@cluster0.x1y2z.mongodb.net/app",
            'db.createUser({user: "{user}", pwd: "{secret}", roles: ["root"]})',
            "mongosh --host {host} -u {user} -p {secret} --authenticationDatabase admin",
            'db.auth("{user}", "{secret}")',
        ),
    ),
    Family(
        "jdbc",
        chars(ALNUM, 14),
        (
            "jdbc:sqlserver://{host}:1433;databaseName=app;user={user};password={secret};encrypt=true",
            "jdbc:oracle:thin:{user}/{secret}@//{host}:1521/ORCL",
            "jdbc:mysql://{host}:3306/app?user={user}&password={secret}&useSSL=false",
            "url=jdbc:postgresql://{host}/app?user={user}&password={secret}",
        ),
    ),
    Family(
        "odbc and ado",
        password,
        (
            "Driver={ODBC Driver 18 for SQL Server};Server={host};Database=app;Uid={user};Pwd={secret};",
            '<add name="App" connectionString="Data Source={host};User ID={user};Password={secret};Pooling=true" />',
            "[app]\nDriver = FreeTDS\nServername = {host}\nUID = {user}\nPWD = {secret}",
            "isql -v app {user} {secret}",
            "sqlcmd -S {host} -U {user} -P {secret} -Q 'select 1'",
        ),
    ),
    Family(
        "oracle login",
        chars(ALNUM, 12),
        (
            "sqlplus {user}/{secret}@ORCL @run.sql",
            "rman target sys/{secret}@prod catalog rman/other1@cat",
            "expdp {user}/{secret} full=y",
            "CONNECT {user}/{secret}@//{host}/app",
        ),
    ),
    Family(
        "amqp",
        url_password,
        (
            "amqp://{user}:{secret}@{host}:5672/%2Fapp",
            "rabbitmqctl add_user {user} {secret}",
            "default_pass = {secret}",
            "rabbitmqctl change_password {user} {secret}",
        ),
    ),
    Family(
        "erlang cookie",
        chars(UPPER, 20),
        (
            "beam.smp -- -root /usr/lib/erlang -setcookie {secret} -name rabbit@{host}",
            "RABBITMQ_ERLANG_COOKIE={secret}",
        ),
    ),
    Family(
        "kafka",
        password,
        (
            "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
            'username="{user}" password="{secret}";',
            'ScramLoginModule required\n  username="{user}"\n  password="{secret}";',
            "ssl.keystore.password={secret}",
            "ssl.key.password = {secret}",
        ),
    ),
    Family(
        "elasticsearch",
        chars(ALNUM, 20),
        (
            "PASSWORD elastic = {secret}",
            'elasticsearch.password: "{secret}"',
            "Password for the [elastic] user successfully reset.\nNew value: {secret}",
        ),
    ),
    Family(
        "elasticsearch api key",
        base64_of(chars(URL_SAFE, 43)),
        ("Authorization: ApiKey {secret}", '"encoded":"{secret}"'),
    ),
    Family(
        "influx token",
        lambda r: "".join(r.choices(URL_SAFE, k=86)) + "==",
        ("Authorization: Token {secret}", "INFLUX_TOKEN={secret}", '  token = "{secret}"\n  organization = "ops"'),
    ),
    Family(
        "other stores",
        password,
        (
            "cqlsh -u {user} -p {secret} {host}",
            "clickhouse-client --host {host} --user {user} --password {secret}",
            "X-ClickHouse-Key: {secret}",
            "neo4j-admin dbms set-initial-password {secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = DATABASES
