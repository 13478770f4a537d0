/**
 * What a camera app does to pixels around the TFLite models: from a camera frame to the network's input, from its
 * output to the subject mask, and from the mask to the picture with a blurred background.
 *
 * <p>A step has the name that it has in portraitlite's Python runtime, and gives the same bytes: both are tested
 * against the same golden vectors. Plain Java 11, no dependency, no Android class. Nothing here keeps state between
 * calls, and only {@link io.github.portraitlite.camera.BlurRenderer} calls back into the app, to run a graph.
 *
 * <p>Arguments that do not fit raise {@link java.lang.IllegalArgumentException} with one line: what was found and what
 * was expected. Arrays are not copied on the way in or out, unless a method says so.
 */
package io.github.portraitlite.camera;
