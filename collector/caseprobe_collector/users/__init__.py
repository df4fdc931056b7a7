"""Staff: accounts, logins and API tokens."""

from caseprobe_collector.users.passwords import Passwords
from caseprobe_collector.users.staff import Users
from caseprobe_collector.users.throttle import Throttle, login_wait

__all__ = ["Passwords", "Throttle", "Users", "login_wait"]
