// Starts what the page has: each part looks for its own marks and does nothing where there are none.
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startFilter } from "./filter.js";
import { localTimes } from "./times.js";

startForms();
startKeys();
startFilter();
localTimes(document);
startLive();
