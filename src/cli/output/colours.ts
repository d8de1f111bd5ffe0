import picocolors from "picocolors";
import { wantsColour } from "../terminal.ts";

/** picocolors, with colours switched on or off once for this process. */
export const pc = picocolors.createColors(wantsColour());
