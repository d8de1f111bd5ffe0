import picocolors from "picocolors";
import { wantsColour } from "../terminal.ts";

/** picocolors, decided once for this process. */
export const pc = picocolors.createColors(wantsColour());
