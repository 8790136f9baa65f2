"""``gisr serve``: a page in the browser, its logic in modules that know nothing of Gradio."""
