"""What a machine's owner is told before they agree, in plain words of three languages: data, and one function. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.v1.consent_pb2 import (
    POLICY_KIND_HEALTH,
    POLICY_KIND_LOGS,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_PATH_TARGET,
    POLICY_KIND_PROCESS_ARGUMENTS,
    POLICY_KIND_REVEAL,
    POLICY_KIND_SITE_PROBE,
    POLICY_KIND_WATCH,
)
from caseprobe_agent.consent import Ask

LANGUAGES = ("en", "zh_Hans", "ru")
LONGEST_FOREIGN_TEXT = 200

# Who asks and how long · per kind, what is measured and what leaves · the promise at the end.
TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "who": 'Support ({who}) asks for a measurement on this machine, for case {case} "{title}".',
        "who_reveal": 'Support ({who}) asks for one true name of this machine, for case {case} "{title}".',
        "reveal": "In what was sent before, {target} stands for: {true}",
        "reveal_sent": "Sent to support: this one name and nothing else. Nothing is measured. It stays with the case.",
        "health": "Measured: the state of hardware, operating system, disks and network interfaces.",
        "logs": "Measured: the newest lines of the kernel log and the system log.",
        "process_arguments": "Measured: running programs with their arguments.",
        "path": "Measured: the network path to {target}, with up to {packets} small packets.",
        "loaded": "Measured: how the line to {target} does when it is full, with up to {megabytes} MB of random data.",
        "site_probe": "Measured: {target}, as this machine's operator declared it; the text that it gives is sent too.",
        "watch": "Measured: {target}; again every {every} seconds.",
        "tail": "Read: the newest {lines} lines of {target}, then every new line as it is written.",
        "other": "Measured: {kind}.",
        "sent": "Sent to support: the result. Passwords and keys are removed, private names and addresses replaced.",
        "long": "It takes up to {seconds} seconds. Nothing on this machine is changed.",
        "end": "You can stop it at any time: caseprobe consent revoke",
        "bundle": "This sends the result of one measurement of this machine to {collector}, for case {case}.",
        "reviewed": "Exactly the file that you see in the preview is sent, once.",
        "streaming": (
            "It is sent without a preview, because you asked for that; support may see figures as they are measured."
        ),
    },
    "zh_Hans": {
        "who": "技术支持人员（{who}）请求在本机进行测量，用于工单 {case}“{title}”。",
        "who_reveal": "技术支持人员（{who}）请求获知本机的一个真实名称，用于工单 {case}“{title}”。",
        "reveal": "在之前发送的内容中，{target} 代表：{true}",
        "reveal_sent": "发送给技术支持的内容：仅此一个名称。不进行任何测量。它会与工单一起保存。",
        "health": "测量内容：硬件、操作系统、磁盘和网络接口的状态。",
        "logs": "测量内容：内核日志和系统日志的最新内容。",
        "process_arguments": "测量内容：正在运行的程序及其参数。",
        "path": "测量内容：到 {target} 的网络路径，最多发送 {packets} 个小数据包。",
        "loaded": "测量内容：到 {target} 的线路在满载时的表现，最多传输 {megabytes} MB 的随机数据。",
        "site_probe": "测量内容：{target}，由本机的管理员定义；其输出的文本也会发送。",
        "watch": "测量内容：{target}；每 {every} 秒重复一次。",
        "tail": "读取内容：{target} 的最新 {lines} 行，以及之后写入的每一行。",
        "other": "测量内容：{kind}。",
        "sent": "发送给技术支持的内容：测量结果。密码和密钥会被删除，私有名称和地址会被替换。",
        "long": "最长需要 {seconds} 秒。本机上的任何内容都不会被更改。",
        "end": "您可以随时停止：caseprobe consent revoke",
        "bundle": "这将把本机一次测量的结果发送到 {collector}，用于工单 {case}。",
        "reviewed": "只发送您在预览中看到的那个文件，且只发送一次。",
        "streaming": "按照您的要求，不经预览直接发送；支持人员可能在测量过程中就看到数据。",
    },
    "ru": {
        "who": "Служба поддержки ({who}) просит выполнить измерение на этом компьютере по обращению {case} «{title}».",
        "who_reveal": "Служба поддержки ({who}) просит назвать одно настоящее имя по обращению {case} «{title}».",
        "reveal": "В отправленном раньше {target} означает: {true}",
        "reveal_sent": "В поддержку уходит только это имя. Ничего не измеряется. Оно хранится вместе с обращением.",
        "health": "Измеряется: состояние оборудования, операционной системы, дисков и сетевых интерфейсов.",
        "logs": "Измеряется: последние строки журнала ядра и системного журнала.",
        "process_arguments": "Измеряется: запущенные программы и их аргументы.",
        "path": "Измеряется: сетевой путь до {target}, не более {packets} небольших пакетов.",
        "loaded": "Измеряется: поведение линии до {target} под нагрузкой, не более {megabytes} МБ случайных данных.",
        "site_probe": "Измеряется: {target}, как это задал администратор этой машины; отправляется и сам текст вывода.",
        "watch": "Измеряется: {target}; повторно каждые {every} с.",
        "tail": "Читаются: последние строки ({lines}) журнала {target} и затем каждая новая строка.",
        "other": "Измеряется: {kind}.",
        "sent": "В поддержку отправляется результат. Пароли и ключи удаляются, личные имена и адреса заменяются.",
        "long": "Это займёт не более {seconds} секунд. На компьютере ничего не изменяется.",
        "end": "Остановить можно в любой момент: caseprobe consent revoke",
        "bundle": "Результат одного измерения этого компьютера будет отправлен на {collector} по обращению {case}.",
        "reviewed": "Будет отправлен один раз ровно тот файл, который вы видите в предварительном просмотре.",
        "streaming": (
            "Отправка выполняется без предварительного просмотра, как вы и просили; "
            "поддержка может видеть показатели уже по ходу измерения."
        ),
    },
}

KIND_TEXTS: Mapping[int, str] = {
    POLICY_KIND_HEALTH: "health",
    POLICY_KIND_LOGS: "logs",
    POLICY_KIND_PROCESS_ARGUMENTS: "process_arguments",
    POLICY_KIND_PATH_NEAR: "path",
    POLICY_KIND_PATH_TARGET: "path",
    POLICY_KIND_SITE_PROBE: "site_probe",
    POLICY_KIND_WATCH: "watch",
}


def consent_text(request: Ask, kind: str, language: str) -> str:
    """What the owner is shown about a remote request: who, which case, what is measured and sent, how long.

    kind: the policy's name for what is asked. An unknown language is shown in English.
    """
    words = TEXTS.get(language, TEXTS["en"])
    values = {
        "who": printable(request.requester_name or request.requested_by or "?"),
        "case": printable(request.case_id or "-"),
        "title": printable(request.case_title),
        "target": printable(request.target),
        "packets": request.packets,
        "megabytes": request.load_bytes // 1_000_000,
        "every": f"{request.every_seconds:g}",
        "lines": request.lines,
        "seconds": f"{request.duration_seconds:.0f}",
        "kind": kind,
        "true": printable(request.reveals or "?"),
    }
    measured = "loaded" if request.load_bytes else "tail" if request.lines else KIND_TEXTS.get(request.kind, "other")
    names: tuple[str, ...] = ("who", measured, "sent", "long", "end")
    if request.kind == POLICY_KIND_REVEAL:
        names = ("who_reveal", "reveal", "reveal_sent")
    return "\n".join(words[name].format(**values) for name in names)


def bundle_text(collector: str, case_id: str, mode: str, language: str) -> str:
    """What the sender of a bundle agrees to; mode is "reviewed" or "streaming"."""
    words = TEXTS.get(language, TEXTS["en"])
    values = {"collector": printable(collector), "case": printable(case_id or "-")}
    return "\n".join(words[name].format(**values) for name in ("bundle", "sent", mode))


def printable(text: str) -> str:
    """Text from the other side, safe to show in a terminal: no control characters, one line, bounded.

    >>> printable("a\\x1b[2Jb\\nc")
    'a [2Jb c'
    """
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean[:LONGEST_FOREIGN_TEXT]
