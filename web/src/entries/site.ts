/** What every page loads: htmx, without eval, without inline styles and without copies of pages in local storage. */

import htmx from "htmx.org";
import { copies } from "../page/copy";
import { drawers } from "../page/drawer";
import { listen } from "../page/live";
import { menus } from "../page/menu";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.historyCacheSize = 0;

copies();
drawers();
menus();
listen();
