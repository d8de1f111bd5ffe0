import { waitFor } from "../../support/wait.ts";
import type { Patient } from "./patient.ts";
import { kill, type Process } from "./processes.ts";

/** Kills all processes of the project with SIGKILL, new children included, as in a power failure. */
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
