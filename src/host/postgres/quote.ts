import pg from "pg";

/** Identifiers and literals are quoted by the driver's own rules. */
export const quoteName = pg.escapeIdentifier;
export const quoteText = pg.escapeLiteral;
