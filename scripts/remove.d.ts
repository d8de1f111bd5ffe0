export function removeProject(base: string, project: string): void;
