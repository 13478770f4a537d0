"""A page to try portraits on: `portraitlite demo`. Needs the extra `demo`.

upload -> DemoEngine (photo, portrait, layers, models beside each other, file) -> page (Gradio) -> server (this machine)
"""
