package org.snmf4j.interpret.contexts;

/**
 * How much a feature prefers a label.
 *
 * @param label the label
 * @param contexts how many of the feature's top contexts carry it
 * @param contextShare {@code contexts} as a share of all its top contexts
 * @param massShare share of the sum of the feature's coefficients, over all tokens, that falls on
 *     tokens with this label
 * @param tokenShare share of all tokens that carry the label: what a feature without preference
 *     would give it
 * @param lift {@code massShare / tokenShare}: 1 without preference
 */
public record LabelPreference(
    String label,
    int contexts,
    double contextShare,
    double massShare,
    double tokenShare,
    double lift) {}
