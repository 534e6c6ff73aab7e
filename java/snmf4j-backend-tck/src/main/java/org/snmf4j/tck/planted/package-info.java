/**
 * Activations whose features are known, and how well a fit finds them: {@link
 * org.snmf4j.tck.planted.PlantedData} makes them, {@link org.snmf4j.tck.planted.FeatureMatching}
 * scores a fit against them.
 */
package org.snmf4j.tck.planted;
