import { waitFor } from "../../support/wait.ts";
import type { Patient } from "./patient.ts";
import { kill, type Process } from "./processes.ts";

/** Ends all that is the project's with SIGKILL, what that had just begun too, as at the end of a machine. */
export async function endMachine(
  patient: Patient,
  isOurs: (one: Process) => boolean = () => true,
): Promise<void> {
  await waitFor(() => {
    const all = patient.cast().all.filter(isOurs);
    for (const one of all) kill(one);
    return all.length === 0;
  });
}
