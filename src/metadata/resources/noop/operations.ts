/** A no-op is written by the controller itself, when the log has been idle; nobody asks for it. */
export const operations = {} as const;
